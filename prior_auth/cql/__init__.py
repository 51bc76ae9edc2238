"""Clinical Quality Language: text in, values with their provenance out; knows nothing of prior authorization."""
