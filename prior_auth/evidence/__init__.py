"""From any chart to typed facts with their sources, and to the mCODE view."""
