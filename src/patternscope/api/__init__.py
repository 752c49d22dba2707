"""What stands behind the front door: studies, analyses in memory, and what is drawn and written of both."""
