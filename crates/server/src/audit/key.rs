//! The key that signs the ends of the chains: made once for a database, sealed there with the key ring.

use hallpass_issuer::audit::AuditKey;
use hallpass_protocol::Secret;
use hallpass_protocol::random::{self, Random};
use hallpass_store::{Store, StoreError, lasting_secrets};

/// The key of a database; the first who asks draws it.
pub(crate) async fn load(store: &Store, random: &dyn Random) -> Result<AuditKey, StoreError> {
    let drawn = Secret::new(random::bytes(random));
    let seed = store
        .write(move |tx| lasting_secrets::load_or_insert(tx, lasting_secrets::AUDIT, &drawn))
        .await?;
    of_seed(&seed)
}

/// The key of a database that is only read.
pub(super) async fn find(store: &Store) -> Result<Option<AuditKey>, StoreError> {
    let found = store.read(|tx| lasting_secrets::find(tx, lasting_secrets::AUDIT));
    found.await?.map(|seed| of_seed(&seed)).transpose()
}

fn of_seed(seed: &Secret<[u8; 32]>) -> Result<AuditKey, StoreError> {
    AuditKey::from_seed(seed)
        .ok_or_else(|| StoreError::Corrupt("`lasting_secrets` holds no seed of a key".to_owned()))
}
