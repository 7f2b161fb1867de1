//! `hallpass profile add`: remembers a profile, so that `login NAME` needs no flags.

use serde_json::json;

use super::Files;
use crate::args::{Ports, ProfileAddArgs, ServerArgs};
use crate::commands::Context;
use crate::config::{ProfileFile, SecretPlace, Settings, command_of};
use crate::failure::Failure;
use crate::output::Output;
use crate::said::auth_method;

/// Adds it.
pub(super) fn run(args: &ProfileAddArgs, context: &Context) -> Result<(), Failure> {
    let files = Files::read(context)?;
    files.may_add(&args.name, args.force)?;
    let settings = settings(args, context)?;
    if settings.issuer.is_none() || settings.client_id.is_none() {
        return Err(Failure::usage("a profile needs an issuer and a client id")
            .hint_to("add --issuer URL --client-id ID"));
    }
    files.may_replace(context, &args.name, &settings)?;
    // What the client would refuse later is refused now.
    let client = hallpass_client::Client::builder(
        settings.issuer.clone().unwrap_or_default(),
        settings.client_id.clone().unwrap_or_default(),
    );
    let scopes = settings.scopes.iter().flatten();
    settings
        .targets(client.scopes(scopes))
        .store(hallpass_client::MemoryStore::new())
        .build()?;
    ProfileFile::remember(&files.places, &args.name, &settings)?;
    if context.output.is_json() {
        let answer = json!({"schema": "hallpass.profile-change/1", "added": [args.name]});
        return Output::answer_json(&answer);
    }
    let (name, output) = (&args.name, context.output);
    output.done(&format!(
        "Added profile \"{name}\"; sign in with `hallpass login {name}`"
    ));
    Ok(())
}

fn settings(args: &ProfileAddArgs, context: &Context) -> Result<Settings, Failure> {
    let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let private_key = args.server.private_key_file.clone().map(SecretPlace::File);
    Ok(Settings {
        issuer: args.server.issuer.clone(),
        client_id: args.server.client_id.clone(),
        client_secret: secret(&args.server)?,
        private_key: private_key.map(SecretPlace::absolute),
        private_key_id: args.server.private_key_id.clone(),
        auth_method: auth_method(&args.server)?,
        scopes: list(&args.scope),
        resource: list(&args.resource),
        audience: list(&args.audience),
        flow: args.flow,
        callback_ports: args.callback_port.clone().map(|Ports(ports)| ports),
        explicit: args.explicit.then_some(true),
        store: context.global.store.clone(),
        ..Settings::default()
    })
}

fn secret(server: &ServerArgs) -> Result<Option<SecretPlace>, Failure> {
    if server.client_secret_stdin {
        return Err(Failure::usage("a profile keeps no secret, only its place")
            .hint_to("--client-secret-file, --client-secret-env or --client-secret-cmd"));
    }
    let command = server
        .client_secret_cmd
        .as_deref()
        .map(command_of)
        .transpose();
    let command = command.map_err(|reason| {
        Failure::usage("--client-secret-cmd is not understood").hint_to(reason)
    })?;
    let file = server.client_secret_file.clone().map(SecretPlace::File);
    let variable = server.client_secret_env.clone().map(SecretPlace::Env);
    let place = file.or(variable).or(command.map(SecretPlace::Cmd));
    Ok(place.map(SecretPlace::absolute))
}
