//! Reads the backup sets of tenants and the pieces of their logs. Both views grow every day: tenants are read in groups, and
//! pieces only of the rounds that a set can still need.

use std::collections::{BTreeMap, BTreeSet};

use super::OceanBase;
use super::parse::by_tenant;
use super::release_profile::{TENANT_ID, ViewId};
use super::rows;
use super::session::{Row, number};
use super::view_reader::{Filter, FilterValue};
use crate::domain::facts::Known;
use crate::domain::fault::Fault;
use crate::domain::restorable::{BackupSet, Piece, Round, rounds_needed};
use crate::domain::time_zone::ServerTimeZone;

/// Tenants per query: a year of their daily backups is below half of the row limit of a result.
const TENANTS_PER_QUERY: usize = 250;

/// The sets and pieces that a tenant can be restored from.
#[derive(Debug, Clone)]
pub(super) struct SetsAndPieces {
    /// Its backup sets.
    pub(super) sets: Vec<BackupSet>,
    /// The pieces of the rounds that the sets can need.
    pub(super) pieces: Known<Vec<Piece>>,
}

impl SetsAndPieces {
    /// Returns the value for sys and meta tenants, which have no sets and are not queried.
    pub(super) fn for_non_user_tenant() -> Self {
        Self { sets: Vec::new(), pieces: Known::NotChecked("only user tenants have backup sets".to_owned()) }
    }
}

impl OceanBase {
    /// Reads the sets of tenants with these rounds, and the pieces that they can need, by tenant.
    ///
    /// # Errors
    /// The sets cannot be read.
    pub(super) async fn media(
        &mut self,
        tenants: &[(u64, &[Round])],
        zone: &ServerTimeZone,
    ) -> Result<BTreeMap<u64, SetsAndPieces>, Fault> {
        let version = self.version()?;
        let mut media = BTreeMap::new();
        for some in tenants.chunks(TENANTS_PER_QUERY) {
            let own = (TENANT_ID, some.iter().map(|(id, _)| FilterValue::Number(*id)).collect());
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
            let needed = needed.map(|ids| ("ROUND_ID", ids.into_iter().map(FilterValue::Number).collect()));
            let filters: Vec<Filter<'_>> = std::iter::once(own).chain(needed).collect();
            let rows = self.read(ViewId::ArchivePieces, &filters, "ROUND_ID, PIECE_ID").await.and_then(by_tenant);
            for (id, sets) in sets {
                let pieces = match &rows {
                    Ok(rows) => {
                        Known::Known(rows.get(&id).into_iter().flatten().map(rows::piece).collect::<Result<_, _>>()?)
                    }
                    Err(fault) => Known::NotChecked(fault.why.clone()),
                };
                media.insert(id, SetsAndPieces { sets, pieces });
            }
        }
        Ok(media)
    }
}

/// Returns the rows of one tenant only, whatever the server listed.
pub(super) fn rows_of_tenant(tenant: u64, mut rows: Vec<Row>) -> Vec<Row> {
    rows.retain(|row| number(row, TENANT_ID) == Some(tenant));
    rows
}
