//! One suite, run on a database in memory, on a file, and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod audit;
mod authorizations;
mod browser_sessions;
mod clients;
mod codes;
mod consents;
mod devices;
mod factors;
mod files;
mod jobs;
mod killed;
mod lookups;
mod own_account;
mod passkeys;
mod people;
#[cfg(unix)]
mod postgres;
mod records;
#[cfg(unix)]
mod revocation_feed;
mod ring;
mod signing_keys;
mod used_once;
#[cfg(unix)]
mod version_before;

use hallpass_store::{Store, StoreKey};
use tempfile::TempDir;

/// The key of every test's store.
fn key() -> StoreKey {
    StoreKey::from_bytes([42; 32])
}

/// A store, and the folder that goes when the test ends.
struct Fixture {
    store: Store,
    _folder: Option<TempDir>,
}

impl Fixture {
    fn memory() -> Self {
        Self {
            store: Store::open_in_memory(key()).unwrap(),
            _folder: None,
        }
    }

    fn file() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("hallpass.db"), key()).unwrap();
        Self {
            store,
            _folder: Some(folder),
        }
    }

    #[cfg(unix)]
    async fn postgres() -> Self {
        let address = hallpass_testing::TestPostgres::shared().database();
        Self {
            store: Store::connect(&address, key()).await.unwrap(),
            _folder: None,
        }
    }
}

macro_rules! on_every_engine {
    ($($module:ident::$name:ident)*) => {
        mod memory {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let fixture = super::Fixture::memory();
                super::$module::$name(&fixture.store).await;
            }
        )*}
        mod file {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let fixture = super::Fixture::file();
                super::$module::$name(&fixture.store).await;
                fixture.store.close().await;
            }
        )*}
        #[cfg(unix)]
        mod on_postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let fixture = super::Fixture::postgres().await;
                super::$module::$name(&fixture.store).await;
                fixture.store.close().await;
            }
        )*}
    };
}

on_every_engine! {
    codes::s_46_a_code_comes_back_with_all_that_it_is_bound_to
    codes::every_state_of_a_code_is_kept
    devices::a_device_grant_is_found_by_either_code
    devices::every_state_of_a_device_grant_is_kept
    devices::s_09_a_remembered_user_code_is_not_given_out_again
    devices::live_grants_are_counted_by_client_and_rows_by_number
    devices::pending_grants_are_listed_for_one_issuer
    authorizations::an_authorization_comes_back_whole
    authorizations::the_first_reason_of_a_revocation_stays
    authorizations::a_refresh_moves_the_family_and_nothing_else
    authorizations::ended_authorizations_are_forgotten
    browser_sessions::a_browser_session_ends_once
    browser_sessions::a_78_a_browser_session_goes_on_under_another_cookie
    browser_sessions::all_sessions_of_a_person_end_but_the_one_that_goes_on
    signing_keys::the_first_signing_key_wins
    signing_keys::a_rotated_key_stays_and_can_come_back
    used_once::a_revoked_token_is_revoked_at_its_issuer_only
    used_once::s_97_s_186_an_id_is_used_once_until_it_ends
    used_once::s_206_a_pushed_request_is_used_up_once
    clients::s_181_s_182_a_registered_client_is_kept_changed_and_removed
    people::an_account_comes_back_whole_and_is_found_by_its_names
    people::one_name_and_one_proven_address_have_one_account
    people::accounts_are_listed_in_the_order_of_their_names
    people::a_password_is_replaced_and_rehashed
    people::a_link_is_found_until_it_is_used_or_over
    people::a_link_to_a_new_account_is_found_until_it_is_used_or_over
    people::whoever_has_an_address_or_is_called_so_stands_in_the_way
    people::mail_is_claimed_by_one_and_tried_again
    people::s_12_what_was_typed_is_not_readable_in_the_outbox
    people::two_guesses_at_once_are_both_counted
    people::counters_are_forgotten_when_they_are_quiet
    people::s_65_revoking_a_person_ends_all_that_they_have_at_this_issuer
    people::s_246_signing_out_of_a_browser_ends_what_was_granted_online
    own_account::tries_to_sign_in_are_listed_and_forgotten
    own_account::tries_at_nobody_are_one_row
    own_account::a_person_names_their_own_authorizations_only
    own_account::live_browsers_are_listed_for_their_person
    own_account::a_deleted_person_leaves_no_word_of_themselves
    factors::an_app_comes_back_whole_and_is_replaced
    factors::a_recovery_code_is_redeemed_once_by_its_person
    factors::s_262_a_lasting_value_is_drawn_once_for_all_who_ask
    factors::a_sign_in_that_waits_is_finished_once
    factors::factors_go_with_their_person
    passkeys::a_passkey_comes_back_whole_and_is_its_persons
    passkeys::a_80_a_credential_id_belongs_to_whoever_had_it_first
    passkeys::a_80_a_challenge_is_answered_once
    consents::a_decision_comes_back_whole_for_its_person_client_and_resource
    consents::a_newer_decision_replaces_what_it_is_about
    consents::decisions_are_forgotten_by_person_client_and_time
    consents::s_275_a_pair_of_networks_is_remembered_for_its_person_until_it_is_over
    consents::s_270_the_first_other_address_of_a_device_is_kept
    lookups::a_purged_authorization_is_nobodys_and_a_sweep_forgets_whose_it_was
    lookups::a_sweep_from_anywhere_comes_everywhere
    lookups::an_id_that_is_kept_again_is_found_again
    audit::records_come_back_whole_and_in_their_chain
    audit::a_chain_goes_on_only_where_its_node_left_it
    audit::records_are_found_by_what_they_are_about
    audit::places_and_people_are_cleared_and_the_chain_holds
    audit::old_records_go_and_what_is_left_still_holds
    audit::two_who_write_at_once_lose_nothing
    audit::a_node_names_the_chains_that_it_met
    jobs::s_22_of_fifty_redemptions_of_one_code_one_wins
    jobs::two_writers_at_once_lose_nothing
    jobs::a_failing_job_harms_nobody
    jobs::a_panicking_job_fails_alone
    jobs::a_read_cannot_write
    jobs::a_job_with_a_failed_statement_leaves_nothing
    jobs::an_answered_write_is_read_at_once
    jobs::a_closed_store_says_so
}
