"""The page: what runs in Streamlit's process."""
