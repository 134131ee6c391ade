//! Stub of trie.
