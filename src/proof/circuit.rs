//! Bit-vectors in the space.
