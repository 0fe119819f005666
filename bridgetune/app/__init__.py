"""The page in the browser: pictures go in, are fused here, and are looked at. It needs the extra `app`."""
