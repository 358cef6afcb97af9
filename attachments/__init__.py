"""Files beside records: large inputs and uploaded form files, in a folder or in S3."""
