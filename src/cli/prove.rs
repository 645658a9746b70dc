//! `obnow prove TARGET`: the server's look at the storage for the last good backup; starts no backup.

use std::cell::RefCell;

use super::args::ProveArgs;
use super::{Exit, Output, render};
use crate::app::prove::{ProofResult, ProofSecrets, prove};
use crate::app::{AppContext, detect};
use crate::domain::facts::{Facts, TenantFacts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::version::Method;

/// Asks for a tenant, or for every user tenant of a cluster, one after the other.
pub(super) async fn run(context: &AppContext, say: &Output, args: &ProveArgs) -> Result<Exit, Fault> {
    let cluster = context.cluster(args.target.cluster())?;
    let facts = detect::one(context, cluster).await?;
    let tenants = tenants(&facts, args)?;
    let given = ProofSecrets {
        access_id: args.access_id.clone(),
        access_key_from: args.access_key_from.clone(),
        decrypt_from: args.decrypt_from.clone(),
    };
    let mut proven: Vec<ProofResult> = Vec::new();
    let mut exits: Vec<Exit> = Vec::new();
    for tenant in tenants {
        // What is waited for is said once, however often the server is asked.
        let said = RefCell::new(String::new());
        let note = |words: &str| {
            if said.replace(words.to_owned()) != words {
                say.note(words);
            }
        };
        match prove(context, cluster, &facts, tenant, &given, note).await {
            Ok(one) => {
                render::proof_verdict(say, &one.target, &one.outcome);
                exits.push(one.exit());
                proven.push(one);
            }
            Err(fault) if args.target.tenant().is_none() && fault.cause == Cause::Unknown => {
                let unbacked = ProofResult::nothing(facts.target(tenant), fault);
                render::proof_verdict(say, &unbacked.target, &unbacked.outcome);
                exits.push(unbacked.exit());
                proven.push(unbacked);
            }
            Err(fault) => return Err(fault),
        }
    }
    let worst = proven.iter().max_by_key(|one| (one.outcome.proof.is_none(), one.outcome.verdict.severity()));
    if let Some(worst) = worst {
        render::proof_summary(say, &worst.outcome);
    }
    exits.dedup();
    Ok(match exits.as_slice() {
        [exit] => *exit,
        [] => Exit::UNKNOWN,
        _ => Exit::MIXED,
    })
}

fn tenants<'a>(facts: &'a Facts, args: &ProveArgs) -> Result<Vec<&'a TenantFacts>, Fault> {
    if facts.cluster.method == Method::Logical {
        return Err(Fault::new(
            Cause::Unknown,
            format!("{} has no look at the storage.", facts.cluster.target),
            "A logical backup is proven by its manifest when it is made.",
            "Check the sums in its manifest.",
        ));
    }
    let users = facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User && !tenant.in_recycle_bin);
    let meant: Vec<&TenantFacts> =
        users.filter(|tenant| args.target.tenant().is_none() || facts.target(tenant) == args.target).collect();
    if meant.is_empty() {
        return Err(Fault::new(
            Cause::Usage,
            format!("There is no tenant {} to prove a backup of.", args.target),
            "The cluster does not list it as a user tenant.",
            "See the names with: obnow targets.",
        ));
    }
    Ok(meant)
}
