//! Tickets: signed statements of which jobs their bearer may read, and until when.
//!
//! Nothing of a ticket is stored: whoever has the key can check it. It is signed with
//! HMAC-SHA-256 (RFC 2104) and written in base64url without padding (RFC 4648, 5), whose
//! characters may stand in an address and in a WebSocket subprotocol's name.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use contracts::{JobId, TenantId, TicketJob, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// The first byte: which form the others have.
const FORM: u8 = 1;
const MAC_BYTES: usize = 32;
/// A job's id, and the millisecond at which its part of the ticket ends.
const JOB_BYTES: usize = 16 + 8;

/// What tickets are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKey([u8; 32]);

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose jobs they are.
    pub tenant: TenantId,
    /// The jobs that may be read, each until its time.
    pub jobs: Vec<TicketJob>,
}

/// The ticket was not signed with this key, or is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a ticket of this server")]
pub struct ForgedTicket;

/// Why a ticket does not let its bearer read a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// It is for other jobs.
    #[error("the ticket is for other jobs")]
    OtherJob,
    /// Its time is over.
    #[error("the ticket has expired")]
    Expired,
}

impl TicketKey {
    /// The key of these bytes, which must be random.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The ticket that says so.
    #[must_use]
    pub fn sign(&self, grant: &Grant) -> String {
        let tenant = grant.tenant.as_str().as_bytes();
        let mut bytes =
            Vec::with_capacity(2 + tenant.len() + grant.jobs.len() * JOB_BYTES + MAC_BYTES);
        bytes.push(FORM);
        // A tenant's name has at most 63 bytes.
        bytes.push(tenant.len() as u8);
        bytes.extend(tenant);
        for TicketJob { job_id, expires_at } in &grant.jobs {
            bytes.extend(job_id.as_uuid().as_bytes());
            bytes.extend(expires_at.as_millis().to_be_bytes());
        }
        let mac = self.mac(&bytes).finalize().into_bytes();
        bytes.extend(mac);
        BASE64.encode(bytes)
    }

    /// What a ticket says. Takes the same time for every wrong signature.
    ///
    /// # Errors
    /// [`ForgedTicket`].
    pub fn read(&self, ticket: &str) -> Result<Grant, ForgedTicket> {
        let bytes = BASE64.decode(ticket).map_err(|_| ForgedTicket)?;
        let (said, mac) = bytes.split_last_chunk::<MAC_BYTES>().ok_or(ForgedTicket)?;
        self.mac(said).verify_slice(mac).map_err(|_| ForgedTicket)?;
        // What was signed was written by a release that knew what it wrote; a later one may write
        // another form.
        Grant::decode(said).ok_or(ForgedTicket)
    }

    fn mac(&self, said: &[u8]) -> Hmac<Sha256> {
        // A key that is shorter than a block is filled up with zeros (RFC 2104, 2).
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        Hmac::<Sha256>::new(&block.into()).chain_update(said)
    }
}

/// The key is not shown.
impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey(…)")
    }
}

impl Grant {
    /// Whether the job may be read at this time.
    ///
    /// # Errors
    /// [`NotGranted`].
    pub fn check(&self, id: JobId, now: Timestamp) -> Result<(), NotGranted> {
        let granted = self.jobs.iter().find(|granted| granted.job_id == id);
        let granted = granted.ok_or(NotGranted::OtherJob)?;
        if now <= granted.expires_at { Ok(()) } else { Err(NotGranted::Expired) }
    }

    fn decode(said: &[u8]) -> Option<Self> {
        let [FORM, tenant_bytes, rest @ ..] = said else { return None };
        let (tenant, jobs) = rest.split_at_checked(usize::from(*tenant_bytes))?;
        let tenant = std::str::from_utf8(tenant).ok()?.parse().ok()?;
        let (jobs, []) = jobs.as_chunks::<JOB_BYTES>() else { return None };
        let jobs = jobs.iter().map(|job| {
            let (id, expires_at) = job.split_first_chunk::<16>()?;
            let expires_at = i64::from_be_bytes(expires_at.try_into().ok()?);
            let job_id = JobId::from_uuid(Uuid::from_bytes(*id));
            Some(TicketJob { job_id, expires_at: Timestamp::from_millis(expires_at) })
        });
        Some(Self { tenant, jobs: jobs.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> TicketKey {
        TicketKey::new([byte; 32])
    }

    fn grant(jobs: &[(u128, i64)]) -> Grant {
        let jobs = jobs.iter().map(|(id, ms)| TicketJob {
            job_id: JobId::from_uuid(Uuid::from_u128(*id)),
            expires_at: Timestamp::from_millis(*ms),
        });
        Grant { tenant: TenantId::default_tenant(), jobs: jobs.collect() }
    }

    proptest! {
        #[test]
        fn a_ticket_says_what_was_signed(
            jobs in proptest::collection::vec((any::<u128>(), 0_i64..4_000_000_000_000), 0..101),
        ) {
            let ticket = key(1).sign(&grant(&jobs));
            prop_assert_eq!(key(1).read(&ticket), Ok(grant(&jobs)));
            prop_assert!(ticket.len() < 4_000, "it fits into an address");
            let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            prop_assert!(ticket.chars().all(is_token), "it fits into a subprotocol's name");
        }

        #[test]
        fn a_changed_ticket_is_forged(at in 0_usize..60, by in 1_u8..255) {
            let mut bytes = BASE64.decode(key(1).sign(&grant(&[(7, 9)]))).expect("base64");
            let at = at % bytes.len();
            bytes[at] = bytes[at].wrapping_add(by);
            prop_assert_eq!(key(1).read(&BASE64.encode(bytes)), Err(ForgedTicket));
        }

        #[test]
        fn rubbish_is_forged(ticket in "\\PC{0,200}", bytes: Vec<u8>) {
            prop_assert_eq!(key(1).read(&ticket), Err(ForgedTicket));
            prop_assert_eq!(key(1).read(&BASE64.encode(bytes)), Err(ForgedTicket));
        }
    }

    #[test]
    fn a_ticket_of_another_key_is_forged() {
        assert_eq!(key(2).read(&key(1).sign(&grant(&[(7, 9)]))), Err(ForgedTicket));
    }

    #[test]
    fn a_ticket_is_good_for_its_jobs_until_their_time() {
        let grant = grant(&[(1, 100), (2, 200)]);
        let check =
            |id, ms| grant.check(JobId::from_uuid(Uuid::from_u128(id)), Timestamp::from_millis(ms));
        assert_eq!(check(1, 100), Ok(()));
        assert_eq!(check(1, 101), Err(NotGranted::Expired));
        assert_eq!(check(2, 101), Ok(()));
        assert_eq!(check(3, 0), Err(NotGranted::OtherJob));
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", key(1)), "TicketKey(…)");
    }
}
