//! `hallpass admin backup` and `hallpass admin restore`.

use std::path::Path;

use hallpass_server::admin::{self, Sessions};

use super::target::{Target, refused};
use crate::args::RestoreArgs;
use crate::failure::Failure;
use crate::runtime;

pub(super) fn back_up(file: &Path, target: &Target<'_>) -> Result<(), Failure> {
    let settings = target.settings()?;
    let copied = runtime::block_on_server(async {
        let copied = admin::back_up(&settings, file).await;
        copied.map_err(|error| refused(&error))
    });
    copied?;
    target.context.output.done(&format!(
        "copied the database to `{}`; the key ring is not in it",
        file.display()
    ));
    Ok(())
}

pub(super) fn restore(args: &RestoreArgs, target: &Target<'_>) -> Result<(), Failure> {
    let settings = target.settings()?;
    let sessions = if args.end_sessions {
        Sessions::End
    } else {
        Sessions::Keep {
            audit_file: args.replay_audit.clone(),
        }
    };
    let restored = runtime::block_on_server(async {
        let restored = admin::restore(&settings, &args.file, sessions).await;
        restored.map_err(|error| refused(&error))
    })?;
    let output = target.context.output;
    output.done(&format!(
        "restored the database from `{}`",
        args.file.display()
    ));
    if args.end_sessions {
        output.note(&format!("{} sign-ins ended", restored.ended));
    } else if args.replay_audit.is_some() {
        let ended = restored.ended;
        output.note(&format!("{ended} sign-ins ended that had ended before"));
        output.warn("passwords, locks and factors are those of the copy");
    } else {
        output.warn("who was signed out since the copy was made is signed in again");
    }
    if let Some(before) = restored.before {
        output.note(&format!("the database before is `{}`", before.display()));
    }
    Ok(())
}
