"""All statements of the desk: one repository for each noun, each on the session of one viewer."""
