//! Makes tasks from the site of a graph: numbers the members and finds their inputs.

use crate::definition::family::{MemberName, Members, Missing, Row};
use crate::definition::family_error::{FamilyErrorKind, MOST_DEPENDENCIES};
use crate::definition::outputs::{Field, output_tasks};
use crate::definition::site::{Member, Site, Use};
use crate::definition::{Instance, OutputTasks};
use crate::generated_code::facts::{Slot, Statement};
use ampeg_schedule::Error;
use ampeg_schedule::TaskId;
use ampeg_schedule::{TaskGraph, TaskGraphBuilder};
use std::collections::HashMap;

/// The tasks of a graph.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) task_graph: TaskGraph,
    pub(crate) instances: Vec<Instance>,
    pub(crate) outputs: OutputTasks,
}

/// Numbers the tasks, family by family in the order of their first statements, and finds the inputs of each.
///
/// The outputs are in the order of `fields`, unless it is empty.
///
/// Takes linear time in the number of tasks and dependencies, except for a binary search in a family for each use.
pub(crate) fn resolve(mut site: Site, fields: &[Field]) -> Result<Resolved, Error> {
    if let Some(error) = site.take_error() {
        return Err(error);
    }
    let families = Families::of(&site)?;
    families.check_groups(&site)?;
    let mut builder = TaskGraphBuilder::default();
    let mut instances = Vec::with_capacity(families.order.len());
    let mut n_dependencies = 0;
    for &member in &families.order {
        let member = &site.members[member];
        let task = builder.add_task(site.name(member), member.cost);
        let mut inputs = Vec::new();
        let mut shape = Vec::new();
        for (slot, used) in site.slots(member) {
            let first = inputs.len();
            families.find(&site, (member, slot, used), &mut inputs, &mut shape)?;
            for &input in &inputs[first..] {
                builder.add_dependency(input, task, used.cost);
            }
        }
        n_dependencies += inputs.len();
        if n_dependencies > MOST_DEPENDENCIES {
            return Err(FamilyErrorKind::TooManyDependencies.into());
        }
        instances.push(Instance {
            statement: member.statement,
            indices: site.row(member).to_vec(),
            inputs,
            shape,
            limits: member.limits,
            output: statement_of(&site, member).output,
            given: None,
        });
    }
    Ok(Resolved {
        task_graph: builder.build()?,
        instances,
        outputs: families.outputs(&site, fields),
    })
}

/// The members of all families.
struct Families {
    by_number: Vec<Members>,
    /// The families in the order of their first statements.
    sequence: Vec<usize>,
    /// The numbers of the members, in the order of their tasks.
    order: Vec<usize>,
}

impl Families {
    fn of(site: &Site) -> Result<Self, Error> {
        let mut rows: Vec<Vec<Row<'_>>> = vec![Vec::new(); site.families.len()];
        for branch in &site.branches {
            rows[branch.family as usize].push(Row {
                indices: site.branch_row(branch),
                member: None,
            });
        }
        for (number, member) in site.members.iter().enumerate() {
            rows[family_of(site, member)].push(Row {
                indices: site.row(member),
                member: Some(number),
            });
        }
        let sequence = sequence(site);
        let mut by_number: Vec<Option<Members>> = vec![None; rows.len()];
        let mut order = Vec::with_capacity(site.members.len());
        for &family in &sequence {
            let rows = std::mem::take(&mut rows[family]);
            let rank = site.families[family].rank();
            let (members, here) = Members::new(rank, order.len(), rows)
                .map_err(|(first, second)| duplicate(site, first, second))?;
            by_number[family] = Some(members);
            order.extend(here);
        }
        let by_number: Vec<Members> = by_number.into_iter().flatten().collect();
        Ok(Self {
            by_number,
            sequence,
            order,
        })
    }

    /// Adds the tasks whose results a slot takes.
    fn find(
        &self,
        site: &Site,
        (member, slot, used): (&Member, &Slot, &Use),
        inputs: &mut Vec<TaskId>,
        shape: &mut Vec<u32>,
    ) -> Result<(), Error> {
        if slot.optional {
            shape.push(u32::from(used.present));
        }
        if !used.present {
            return Ok(());
        }
        let members = &self.by_number[slot.family as usize];
        members
            .select(site.selectors(used), inputs, shape)
            .map_err(|missing| missing_member(site, member, slot, missing))
    }

    fn outputs(&self, site: &Site, fields: &[Field]) -> OutputTasks {
        let is_output = |&family: &usize| {
            let statement = site.families[family].statement as usize;
            site.statements[statement].output
        };
        let families = self.sequence.iter().copied().filter(is_output);
        let families = families.map(|family| (&site.families[family], &self.by_number[family]));
        output_tasks(families, fields)
    }

    /// Fails if the indices of a group differ between two of its families.
    fn check_groups(&self, site: &Site) -> Result<(), Error> {
        let mut first_in: HashMap<&str, usize> = HashMap::new();
        for &family in &self.sequence {
            for (group, rank) in site.families[family].groups() {
                let first = *first_in.entry(group).or_insert(family);
                if !self.by_number[first].agrees(&self.by_number[family], rank) {
                    let families = [first, family].map(|family| site.families[family].name);
                    let group = group.to_owned();
                    return Err(FamilyErrorKind::Unequal { group, families }.into());
                }
            }
        }
        Ok(())
    }
}

/// The families in the order of their first statements.
fn sequence(site: &Site) -> Vec<usize> {
    let mut is_known = vec![false; site.families.len()];
    let families = site
        .statements
        .iter()
        .map(|statement| statement.family as usize);
    families
        .filter(|&family| !std::mem::replace(&mut is_known[family], true))
        .collect()
}

fn family_of(site: &Site, member: &Member) -> usize {
    statement_of(site, member).family as usize
}

fn statement_of(site: &Site, member: &Member) -> &'static Statement {
    &site.statements[member.statement as usize]
}

fn duplicate(site: &Site, first: usize, second: usize) -> FamilyErrorKind {
    let members = [first.min(second), first.max(second)].map(|member| &site.members[member]);
    FamilyErrorKind::Duplicate {
        member: site.name(members[0]).to_string(),
        locations: members.map(|member| statement_of(site, member).location()),
    }
}

fn missing_member(site: &Site, member: &Member, slot: &Slot, missing: Missing) -> Error {
    let family = &site.families[slot.family as usize];
    let Missing { mut path, runs } = missing;
    let mut name = |last: Option<i64>| {
        if let (Some(last), Some(index)) = (last, path.last_mut()) {
            *index = last;
        }
        let indices = &path;
        MemberName { family, indices }.to_string()
    };
    let kind = FamilyErrorKind::Missing {
        user: site.name(member).to_string(),
        path: slot.path.to_owned(),
        member: name(None),
        present: runs
            .into_iter()
            .map(|(first, last)| (name(Some(first)), name(Some(last))))
            .collect(),
        branch: slot.branch,
    };
    kind.into()
}
