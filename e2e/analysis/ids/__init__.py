"""Names the pattern of session IDs from features that do not tell the IDs (`e2e.capture.id_features`)."""
