//! How `hallpass token` writes a token or the proof of one.
//!
//! RFC 9449 §7.1: <https://www.rfc-editor.org/rfc/rfc9449#section-7.1>; row C-39.

use hallpass_client::clap::TokenArgs;
use hallpass_client::{AccessToken, Clock as _, Secret};
use hallpass_protocol::time::SystemClock;
use serde_json::json;
use url::Url;

use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;

/// Prints a token of a session. One that is bound to a key is of no use without a proof, and is printed
/// without one only when that is what is asked for.
pub(super) fn print(args: &TokenArgs, token: &AccessToken) -> Result<(), Failure> {
    if args.leaves_alone(token) {
        return Err(alone());
    }
    Output::answer(args.text(token, SystemClock.now())?.expose())
}

/// Prints a token that is known to be of nobody's key.
pub(super) fn print_bearer(args: &TokenArgs, token: &Secret<String>) -> Result<(), Failure> {
    Output::answer(args.bearer_text(token).expose())
}

/// Prints a proof and nothing else.
pub(super) fn print_proof(
    args: &TokenArgs,
    token: &AccessToken,
    context: &Context,
) -> Result<(), Failure> {
    let Some(proof) = args.proof(token, SystemClock.now())? else {
        return Err(
            Failure::config("the tokens of this session are not bound to a key")
                .hint_to("send them as they are, or sign in with --dpop --force"),
        );
    };
    if context.output.is_json() {
        return Output::answer_json(&json!({
            "schema": "hallpass.dpop-proof/1",
            "proof": proof.expose(),
            "method": args.method,
            "url": args.url.as_ref().map(Url::as_str),
            "dpop_jkt": token.dpop_jkt()?,
        }));
    }
    Output::answer(proof.expose())
}

/// Row C-39: whoever gets a bound token must know it.
fn alone() -> Failure {
    Failure::config("the token is bound to a key of this machine (DPoP): alone it is of no use").hint_to(
        "`hallpass request METHOD URL` sends it; --header --url URL and --curl --url URL print it with its proof; \
         --allow-bound prints it alone; `hallpass login --no-dpop --force` brings one that is not bound",
    )
}
