"""LMDB's file: opened, checked, compacted, migrated, made anew."""
