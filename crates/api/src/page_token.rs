//! The place in a list, as a text that means nothing to its bearer.
//!
//! A token is bound to its tenant and filter: with another of either it would name a place in
//! another list. It needs no secret, for a forged one only names another place in the bearer's
//! own list.

use contracts::{JobId, TenantId, Timestamp};
use engine::ports::{JobFilter, PageCursor};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// 8 bytes of time, 16 of id, 8 of checksum.
const BYTES: usize = 32;

/// The token of this place in the list of this tenant and filter: 64 hexadecimal digits.
pub(crate) fn encode(tenant: &TenantId, filter: &JobFilter, cursor: PageCursor) -> String {
    let mut bytes = [0_u8; BYTES];
    bytes[..8].copy_from_slice(&cursor.created_at.as_millis().to_be_bytes());
    bytes[8..24].copy_from_slice(cursor.id.as_uuid().as_bytes());
    let checksum = checksum(tenant, filter, &bytes[..24]);
    bytes[24..].copy_from_slice(&checksum);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The place that a token names; `None` if it was made for another list or not by [`encode`].
pub(crate) fn decode(tenant: &TenantId, filter: &JobFilter, token: &str) -> Option<PageCursor> {
    if token.len() != 2 * BYTES || !token.is_ascii() {
        return None;
    }
    let mut bytes = [0_u8; BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&token[2 * index..2 * index + 2], 16).ok()?;
    }
    if bytes[24..] != checksum(tenant, filter, &bytes[..24]) {
        return None;
    }
    let created_at = i64::from_be_bytes(bytes[..8].try_into().ok()?);
    let id = Uuid::from_bytes(bytes[8..24].try_into().ok()?);
    Some(PageCursor { created_at: Timestamp::from_millis(created_at), id: JobId::from_uuid(id) })
}

fn checksum(tenant: &TenantId, filter: &JobFilter, place: &[u8]) -> [u8; 8] {
    let JobFilter { state, company_name, labels, created_after, created_before, idempotency_key } =
        filter;
    let list = serde_json::json!([
        tenant,
        state,
        company_name,
        labels,
        created_after.map(Timestamp::as_millis),
        created_before.map(Timestamp::as_millis),
        idempotency_key
    ]);
    let digest = Sha256::new().chain_update(place).chain_update(list.to_string()).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursor(ms: i64, id: u128) -> PageCursor {
        let id = JobId::from_uuid(Uuid::from_u128(id));
        PageCursor { created_at: Timestamp::from_millis(ms), id }
    }

    fn about(company: &str) -> JobFilter {
        JobFilter { company_name: Some(company.to_owned()), ..JobFilter::default() }
    }

    proptest! {
        #[test]
        fn a_token_names_its_place(ms in 0_i64..4_000_000_000_000, id: u128, company: String) {
            let (tenant, filter) = (TenantId::default_tenant(), about(&company));
            let token = encode(&tenant, &filter, cursor(ms, id));
            prop_assert_eq!(decode(&tenant, &filter, &token), Some(cursor(ms, id)));
        }

        #[test]
        fn a_token_of_another_list_is_refused(id: u128, one: String, other: String) {
            prop_assume!(one != other);
            let (tenant, place) = (TenantId::default_tenant(), cursor(1, id));
            let token = encode(&tenant, &about(&one), place);
            prop_assert_eq!(decode(&tenant, &about(&other), &token), None);
            let stranger: TenantId = "stranger".parse().unwrap();
            prop_assert_eq!(decode(&stranger, &about(&one), &token), None);
        }

        #[test]
        fn a_changed_token_is_refused(id: u128, at in 0_usize..64, digit in "[0-9a-f]") {
            let (tenant, filter) = (TenantId::default_tenant(), JobFilter::default());
            let token = encode(&tenant, &filter, cursor(1, id));
            let mut changed = token.clone();
            changed.replace_range(at..=at, &digit);
            prop_assume!(changed != token);
            prop_assert_eq!(decode(&tenant, &filter, &changed), None);
        }

        #[test]
        fn rubbish_is_refused(token in "\\PC{0,80}") {
            prop_assert_eq!(decode(&TenantId::default_tenant(), &JobFilter::default(), &token), None);
        }
    }
}
