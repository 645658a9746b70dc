//! The sets of tenants and the pieces of their logs. Both views grow with every day of a site: a few tenants are an answer of their
//! own, and of the pieces those of the rounds that a set can still need.

use std::collections::{BTreeMap, BTreeSet};

use super::OceanBase;
use super::line::{TENANT_ID, ViewId};
use super::read::{Filter, Is};
use super::rows;
use super::session::{Row, number};
use super::words::by_tenant;
use crate::domain::facts::Known;
use crate::domain::fault::Fault;
use crate::domain::restorable::{BackupSet, Piece, Round, rounds_needed};
use crate::domain::time_zone::ServerTimeZone;

/// How many tenants are asked about together: a year of their daily backups is below half of what an answer may hold, and a
/// site of many tenants is not a question for each.
const TOGETHER: usize = 250;

/// What a tenant could be restored from.
#[derive(Debug, Clone)]
pub(super) struct Media {
    /// Its sets.
    pub(super) sets: Vec<BackupSet>,
    /// The pieces of the rounds that they can need.
    pub(super) pieces: Known<Vec<Piece>>,
}

impl Media {
    /// That of sys and of a meta tenant, which are not asked about: only user tenants have sets.
    pub(super) fn of_no_user() -> Self {
        Self { sets: Vec::new(), pieces: Known::NotChecked("only user tenants have backup sets".to_owned()) }
    }
}

impl OceanBase {
    /// The sets of tenants with these rounds, and the pieces that they can need, by tenant.
    ///
    /// # Errors
    /// The sets cannot be read.
    pub(super) async fn media(
        &mut self,
        tenants: &[(u64, &[Round])],
        zone: &ServerTimeZone,
    ) -> Result<BTreeMap<u64, Media>, Fault> {
        let version = self.version()?;
        let mut media = BTreeMap::new();
        for some in tenants.chunks(TOGETHER) {
            let own = (TENANT_ID, some.iter().map(|(id, _)| Is::Number(*id)).collect());
            let rows = by_tenant(self.read(ViewId::Sets, std::slice::from_ref(&own), "BACKUP_SET_ID").await?)?;
            let mut sets: BTreeMap<u64, Vec<BackupSet>> = BTreeMap::new();
            for (id, _) in some {
                let own = rows.get(id).into_iter().flatten();
                sets.insert(*id, own.map(|row| rows::set(row, &version, zone)).collect::<Result<_, _>>()?);
            }
            let needed: Option<BTreeSet<u64>> = some
                .iter()
                .map(|(id, rounds)| rounds_needed(sets.get(id).map_or(&[][..], Vec::as_slice), rounds))
                .try_fold(BTreeSet::new(), |all, of_one| Some(all.into_iter().chain(of_one?).collect()));
            let needed = needed.map(|ids| ("ROUND_ID", ids.into_iter().map(Is::Number).collect()));
            let filters: Vec<Filter<'_>> = std::iter::once(own).chain(needed).collect();
            let rows = self.read(ViewId::ArchivePieces, &filters, "ROUND_ID, PIECE_ID").await.and_then(by_tenant);
            for (id, sets) in sets {
                let pieces = match &rows {
                    Ok(rows) => {
                        Known::Known(rows.get(&id).into_iter().flatten().map(rows::piece).collect::<Result<_, _>>()?)
                    }
                    Err(fault) => Known::NotChecked(fault.why.clone()),
                };
                media.insert(id, Media { sets, pieces });
            }
        }
        Ok(media)
    }
}

/// The rows of a tenant: what a server lists beside what it was asked for is of somebody else.
pub(super) fn only_of(tenant: u64, mut rows: Vec<Row>) -> Vec<Row> {
    rows.retain(|row| number(row, TENANT_ID) == Some(tenant));
    rows
}
