//! Two products, each under a subscription of its own: what happens to the session, the place or the seat of one is nothing to the
//! other.

pub(crate) const PRODUCTS: Each<&str> = ["ATLAS", "QUARRY"];
pub(crate) const VERSION: &str = "2026.1";

/// One thing for each of them.
pub(crate) type Each<T> = [T; 2];

/// Which of them, as a place in [`PRODUCTS`].
pub(crate) type Which = usize;

pub(crate) fn all() -> std::ops::Range<Which> {
    0..PRODUCTS.len()
}

/// The one with this key.
pub(crate) fn which(key: &str) -> Which {
    let found = PRODUCTS.iter().position(|product| *product == key);
    found.expect("there are no others")
}
