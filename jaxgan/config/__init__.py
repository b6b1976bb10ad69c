"""Configuration: sections of fields, changed copies of them, and the config.json of a folder."""
