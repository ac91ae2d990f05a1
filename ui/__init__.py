"""The explorer: Streamlit pages over typed queries."""
