//! The messages: their names, and the places that each has for values.
//!
//! A message that a language lacks does not compile, nor one with other places.

use super::language::Language;
use super::pattern::{Filled, Value, is_whole};

/// A message with places or marks; only filled in is it fit to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern(pub(super) &'static str);

/// A message for one thing, and for any other number of things: `{n}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plural {
    pub(super) one: &'static str,
    pub(super) other: &'static str,
}

/// The type of a message: `plain` is text as it stands, `filled` has places or marks, `counted` has
/// a number too.
macro_rules! kind {
    (plain) => { &'static str };
    (filled) => { Pattern };
    (counted) => { Plural };
}

/// How a message is got; a plain one is a field.
macro_rules! getter {
    (plain $name:ident) => {};
    (filled $name:ident $($place:ident)*) => {
        pub(crate) fn $name<'a>(&self, $($place: impl Into<Value<'a>>),*) -> Filled<'a> {
            let values = vec![$((stringify!($place), $place.into())),*];
            Filled { pattern: self.$name.0, values }
        }
    };
    (counted $name:ident $($place:ident)*) => {
        pub(crate) fn $name<'a>(&self, n: u64, $($place: impl Into<Value<'a>>),*) -> Filled<'a> {
            let pattern = if self.language.is_singular(n) { self.$name.one } else { self.$name.other };
            let number = Value::words(n.to_string());
            let values = vec![("n", number), $((stringify!($place), $place.into())),*];
            Filled { pattern, values }
        }
    };
}

/// Whether a message has its places and no others.
macro_rules! check {
    (plain $message:expr, $name:ident) => { is_plain($message) };
    (filled $message:expr, $name:ident $($place:ident)*) => {
        is_whole($message.0, &[$(stringify!($place)),*])
    };
    (counted $message:expr, $name:ident $($place:ident)*) => {
        is_whole($message.other, &["n", $(stringify!($place)),*])
            // "in a minute" needs no number.
            && (is_whole($message.one, &["n", $(stringify!($place)),*])
                || is_whole($message.one, &[$(stringify!($place)),*]))
    };
}

/// Every text of a message, for tests.
#[cfg(test)]
macro_rules! texts {
    (counted $message:expr) => {
        vec![$message.one, $message.other]
    };
    (filled $message:expr) => {
        vec![$message.0]
    };
    (plain $message:expr) => {
        vec![$message]
    };
}

macro_rules! messages {
    ($($kind:ident $name:ident $(($($place:ident),*))?;)+) => {
        /// Everything that pages and mails say, in one language.
        #[derive(Debug)]
        pub struct Words {
            pub(crate) language: Language,
            /// The short names of the months.
            pub(super) months: [&'static str; 12],
            $(pub(crate) $name: kind!($kind),)+
        }

        impl Words {
            $(getter!($kind $name $($($place)*)?);)+

            /// Stops the build where a message lacks a place, or has one too many.
            pub(super) const fn check(&self) {
                $(assert!(
                    check!($kind self.$name, $name $($($place)*)?),
                    concat!("other places than in `words.rs`: ", stringify!($name))
                );)+
            }

            /// Every message by its name, with its forms.
            #[cfg(test)]
            pub(super) fn all(&self) -> Vec<(&'static str, Vec<&'static str>)> {
                vec![$((stringify!($name), texts!($kind self.$name))),+]
            }
        }
    };
}

/// Whether a text has neither places nor marks.
const fn is_plain(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [byte, left @ ..] = rest {
        if matches!(byte, b'{' | b'}' | b'*' | b'`') {
            return false;
        }
        rest = left;
    }
    !text.is_empty()
}

#[rustfmt::skip]
messages! {
    // The frame of every page.
    filled dev_banner();
    plain language_of_page;
    filled error_title(title);

    // Times and lists. `{n}` is the number.
    filled exact_time(day, month, year, clock);
    filled clock_time(clock);
    plain just_now;
    counted seconds_ago();
    counted minutes_ago();
    counted hours_ago();
    counted days_ago();
    filled two(first, second);
    filled two_before_i(first, second);
    filled more_than_two(first, last);
    filled more_than_two_before_i(first, last);

    // What several pages say.
    plain sign_in;
    plain sign_out;
    plain signed_in_as;
    plain use_another_account;
    plain publisher;
    plain returns_to;
    plain verified;
    plain unverified_app;
    filled registered_itself(client);
    filled browser_on_system(browser, system);
    plain account;
    plain go_on;
    plain deny;
    plain cancel;
    plain help;
    plain back_to_account;
    counted too_many_tries();

    // What a client will be able to do. Each scope finishes the heading, and is part of a list.
    plain scopes_heading;
    plain scope_openid;
    plain scope_profile;
    plain scope_email;
    plain scope_address;
    plain scope_phone;
    plain scope_offline_access;
    filled scope_use(scope);
    counted keeps_access();
    plain keeps_access_of_token;

    // Sign in.
    filled sign_in_to(issuer);
    filled to_continue_to(client);
    plain to_connect_a_device;
    plain to_confirm;
    plain username;
    plain any_username;
    plain password;
    plain extra_claims;
    plain claims_as_json;
    filled claims_hint(example);
    plain trouble_signing_in;
    plain signed_in_before;
    filled sign_in_as(user);
    plain request_parameters;
    plain wrong_password;
    plain enter_username;
    plain enter_any_username;
    plain bad_username;
    filled bad_claims(example, why);

    // A new password.
    plain recover_lead;
    plain username_or_email;
    plain send_link;
    plain back_to_sign_in;
    plain look_into_mail;
    plain recover_sent;
    plain recover_sent_more;
    plain enter_username_or_email;
    counted too_many_links();
    plain choose_password;
    plain choose_new_password;
    filled for_user_at(user, issuer);
    plain new_password;
    counted password_hint();
    plain same_again;
    plain set_password;
    plain new_password_ends;
    plain password_is_set;
    plain password_is_set_lead;
    plain dead_link;
    plain dead_link_lead;
    plain dead_link_invited;
    plain ask_for_new_link;
    plain passwords_differ;
    counted password_too_short();
    counted password_too_long();
    plain password_is_name;
    plain password_repeats;
    plain password_is_common;

    // A new account.
    plain create_account;
    plain sign_up_lead;
    plain email_address;
    plain enter_email;
    plain sign_up_sent;
    plain sign_up_sent_more;
    plain display_name;
    plain display_name_hint;
    plain bad_display_name;
    plain account_is_made;
    plain account_is_made_lead;
    plain dead_sign_up_lead;

    // The second factor.
    plain one_more_step;
    filled one_more_step_for(user);
    plain totp_code;
    plain totp_code_hint;
    plain recovery_code;
    plain recovery_code_hint;
    plain use_totp;
    plain use_recovery_code;
    plain wrong_totp;
    plain wrong_recovery_code;
    plain sign_in_too_old;
    plain set_up_totp;
    plain set_up_required;
    plain set_up_factor;
    plain set_up_either;
    plain or_passkey;
    plain scan_qr_code;
    plain qr_code;
    plain totp_key;
    plain enter_first_code;
    plain turn_on;
    plain save_recovery_codes;
    plain save_recovery_codes_lead;
    plain saved_them;
    // The account: second factors.
    plain security;
    plain security_lead;
    plain authenticator_app;
    plain no_authenticator_app;
    filled factor_set_up(time);
    filled factor_set_up_and_used(set_up, used);
    plain replace_totp;
    plain remove_totp;
    plain remove_totp_named;
    plain recovery_codes;
    plain no_recovery_codes;
    counted recovery_codes_left();
    plain new_recovery_codes;
    plain new_recovery_codes_mean;
    plain unfinished;
    plain done_totp_removed;
    plain done_factors;

    // Consent.
    filled allow_client(client);
    plain allow;
    plain nothing_left;
    filled manage_access(account);
    filled continue_to_question(client);
    plain continue_as_lead;
    filled continue_as(user);
    filled continue_to(client);
    plain form_post_lead;

    // Enter the code of a device.
    plain connect_a_device;
    plain enter_the_code;
    plain code_hint;
    filled careful();
    plain too_many_codes;
    counted wait_for_new_code();
    plain sign_in_to_connect;
    plain many_wrong_codes;
    plain code_not_valid;
    plain code_is_missing;

    // Decide about a device.
    filled device_question(client);
    plain stop_and_check;
    plain from_other_network;
    filled both_places(place, own);
    filled started_long_ago(ago);
    plain about_device;
    plain does_it_match;
    plain code;
    plain not_you;
    plain device;
    filled quoted(text);
    plain reported_by_device;
    plain system;
    plain address;
    plain unknown_address;
    plain network;
    plain same_network;
    plain different_network;
    plain unknown_network;
    filled about(place);
    filled yours_about(place);
    plain started;
    plain i_started_this;
    plain sign_in_device;
    plain i_did_not_start_this;

    // A sign-in that was started in another network.
    filled did_you_start(client);
    plain started_elsewhere;
    plain never_hand_over;
    plain the_browser;
    plain the_program;
    plain usual_with_remote;
    plain start_in_this_network;
    plain tick_to_go_on;
    plain go_on_signing_in;

    // How a device ended.
    plain device_approved;
    plain device_approved_lead;
    plain app;
    plain not_what_you_meant;
    plain sign_device_out;
    plain device_denied;
    plain device_denied_lead;
    plain device_reported;
    plain device_reported_lead;
    plain device_reported_advice;
    plain device_expired;
    plain device_revoked;
    plain device_revoked_lead;

    // Sign out.
    filled sign_out_question(issuer);
    filled client_asks_sign_out(client);
    plain stay_signed_in;
    plain signed_out;
    filled signed_out_lead(issuer);
    filled back_to(place);

    // The account: what is signed in.
    plain your_account;
    plain not_confirmed;
    plain programs_and_devices;
    plain no_programs;
    plain bound_to_device;
    plain bound_means;
    filled signed_in_and_used(signed_in, used);
    plain through_a_browser;
    plain with_a_code;
    plain with_another_token;
    filled coming_from(place);
    filled network_about(network, place);
    filled allowed_in(browser);
    plain own_machine;
    plain a_browser;
    plain revoke;
    filled revoke_named(name, when);
    plain rename;
    filled rename_named(name, when);
    plain name;
    plain save;
    counted more_programs();
    plain browsers;
    plain this_browser;
    counted revoke_others();
    plain revoke_others_means;
    plain connected_apps;
    plain no_apps;
    filled may(things);
    filled allowed_at(when);
    plain ask_again;
    filled ask_again_named(client);
    plain ask_again_means;

    // The account: password, history, data.
    plain change_password;
    plain present_password;
    plain not_present_password;
    plain same_password;
    plain sign_out_programs_too;
    plain other_browsers_end;
    plain forgot_it;
    plain history;
    plain all_tries;
    counted history_lead(password);
    plain signed_in;
    plain refused;
    plain your_data;
    plain export_data;
    plain delete_account;
    plain delete_question;
    plain cannot_be_undone;
    filled delete_means(user);
    plain type_username;
    plain not_your_username;
    plain last_admin;
    plain keep_it;
    plain deleted;
    filled deleted_lead(issuer);
    plain done_revoked;
    plain done_renamed;
    plain done_others;
    plain done_forgotten;
    plain done_password;
    plain done_gone;

    // Errors.
    plain what_to_do_next;
    plain details_for_developers;
    filled reference(reference);
    plain next_run_again;
    plain next_try_later;
    plain next_tell_maker;
    plain unreadable;
    plain unreadable_cause;
    plain forged;
    plain forged_cause;
    plain forged_next;
    plain nothing_chosen;
    plain nothing_chosen_cause;
    plain nothing_chosen_next;
    plain bad_method;
    plain bad_method_cause;
    plain not_found;
    plain not_found_cause;
    plain not_found_next;
    plain busy;
    plain busy_cause;
    plain broken;
    plain broken_cause;
    plain device_not_here;
    plain second_factor_cause;
    filled second_factor_next();
    plain other_network_cause;
    plain other_network_next;
    plain devices_off_cause;
    plain devices_off_next;
    plain no_client;
    filled missing(parameter);
    plain unknown_client;
    plain unknown_client_cause;
    plain no_redirect_uri;
    plain foreign_redirect_uri;
    plain foreign_redirect_uri_cause;
    plain unknown_response_mode;
    filled not_supported(parameter);
    plain unverified_request;
    plain unverified_request_cause;
    plain unknown_request_uri;
    plain unknown_request_uri_cause;

    // Passkeys.
    plain passkeys;
    plain passkeys_lead;
    plain no_passkeys;
    plain add_passkey;
    plain create_passkey;
    plain create_passkey_lead;
    plain passkey_created;
    plain name_and_try_passkey;
    plain save_and_try_passkey;
    plain save_without_trying;
    plain sign_in_with_passkey;
    plain use_passkey;
    plain passkey_is_synced;
    plain passkey_on_one_device;
    filled passkey_made(time);
    filled passkey_made_and_used(made, used);
    filled rename_passkey_named(passkey, time);
    filled remove_passkey_named(passkey, time);
    plain remove_passkey;
    plain passkey_needs_script;
    plain passkey_not_in_browser;
    plain only_passkey_needs_script;
    plain only_passkey_not_in_browser;
    plain passkey_nothing_came;
    plain passkey_is_there_already;
    plain passkey_browser_failed;
    plain passkey_not_accepted;
    plain passkey_not_made;
    plain too_many_passkeys;
    plain last_factor;
    plain done_passkey_added;
    plain done_passkey_works;
    plain done_passkey_removed;

    // Mails.
    filled invitation_subject(service);
    filled invitation_line(user);
    plain invitation_link_line;
    plain invitation_closing;
    filled reset_subject(service);
    filled reset_line(user);
    plain reset_link_line;
    plain reset_closing;
    filled sign_up_subject(service);
    plain sign_up_line;
    plain sign_up_link_line;
    plain sign_up_closing;
    filled exists_subject(service);
    filled exists_line(user);
    plain exists_link_line;
    plain exists_closing;
    filled changed_subject(service);
    filled changed_line(user);
    plain changed_closing;
    filled factors_subject(service);
    filled factors_line(user);
    plain factors_closing;
    filled elsewhere_subject(service);
    filled elsewhere_line(user);
    plain elsewhere_link_line;
    plain see_what_is_signed_in;
    plain elsewhere_closing;

    // Dev mode: the first page and the debugger.
    plain home;
    plain home_lead;
    plain home_commands;
    plain home_browser;
    plain home_device;
    plain home_service;
    plain endpoints;
    plain endpoint_metadata;
    plain endpoint_keys;
    plain endpoint_device;
    plain endpoint_authorization;
    plain endpoint_token;
    plain endpoint_device_authorization;
    plain endpoint_userinfo;
    filled home_version(version);
    plain debugger;
    plain debugger_answers;
    plain client_id;
    plain client_secret;
    plain scope;
    filled answer_goes_to(address);
    plain get_token;
    plain again;
}
