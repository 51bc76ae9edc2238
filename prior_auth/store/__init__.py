"""The case store of one side: tables, sealed payloads, timeline, migrations."""
