"""What the page shows, without Streamlit: views, commands, words and numbers."""
