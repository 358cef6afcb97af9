"""Files beside records: large inputs and files of forms, in a folder or in S3."""
