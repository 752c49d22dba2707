"""The settings of a study: its TOML file, checked."""
