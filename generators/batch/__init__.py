"""The same requests through the OpenAI Batch API."""
