"""Any order: a person who does whatever comes to mind, and the shortest way in which that breaks a session."""
