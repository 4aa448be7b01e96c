"""Questions to news servers (NNTP) about one post, by its Message-ID. Headers only, never a body."""
