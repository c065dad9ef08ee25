"""Judge finished dubs against their source, whoever made them: nothing but the files is needed."""
