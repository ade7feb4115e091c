//! The body of a check, read and bounded.

use latchkey_api::check::{CheckRequest, Usage};
use latchkey_core::registration::is_product_key;

use super::CheckError;

const MOST_PRODUCTS: usize = 100;
const MOST_USAGE: usize = 1_000;
const JTI: std::ops::RangeInclusive<usize> = 16..=128;
/// Letters of a name that are kept: other people see it in a list.
const LONGEST_NAME: usize = 100;

pub(super) fn read(body: &[u8]) -> Result<CheckRequest, CheckError> {
    let mut request: CheckRequest = serde_json::from_slice(body)?;
    if !JTI.contains(&request.jti.len()) {
        return Err(CheckError::Field("jti must be 16 to 128 bytes"));
    }
    if request.products.len() > MOST_PRODUCTS {
        return Err(CheckError::Field("at most 100 products"));
    }
    let mut keys: Vec<&str> = request
        .products
        .iter()
        .map(|query| query.product.as_str())
        .collect();
    if !keys.iter().all(|key| is_product_key(key)) {
        return Err(CheckError::Field("a product key is 1 to 64 of A-Z, 0-9, - and _"));
    }
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(CheckError::Field("a product is asked about twice"));
    }
    if request.usage.len() > MOST_USAGE {
        return Err(CheckError::Field("at most 1,000 sums of usage"));
    }
    // What no agent sends is left out: a check must not fail for it.
    request.usage.retain(is_plausible);
    for name in [
        &mut request.device.name,
        &mut request.device.system,
        &mut request.agent,
    ] {
        *name = name
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_NAME)
            .collect();
    }
    Ok(request)
}

/// A day of a product that can be, and no more of it than there is.
fn is_plausible(usage: &Usage) -> bool {
    let is_version = |text: &str| !text.is_empty() && text.len() <= 64 && !text.chars().any(char::is_control);
    is_product_key(&usage.product)
        && is_version(&usage.version)
        && usage.day.len() == 10
        && usage.day.parse::<jiff::civil::Date>().is_ok()
        && (1..=24 * 60).contains(&usage.minutes)
}
