"""The stage: performs live and offline; the only floor that knows every room."""
