//! Faults of the simulated world itself. A simulation that does not notice these faults could also miss faults of the
//! runtime.

use super::check::Property;
use super::draw::Scope;
use super::hunt::Hunt;
use super::world::Sabotage;

/// A fault, and the properties that may show it.
const FAULTS: &[(Sabotage, &[Property])] = &[
    (Sabotage::LostValue, &[Property::Ends]),
    (Sabotage::LostMessage, &[Property::Ends]),
    (
        Sabotage::StaleWords,
        &[Property::RightErrors, Property::RightLog],
    ),
    (
        Sabotage::NoRunInWords,
        &[Property::RightErrors, Property::RightLog],
    ),
    (Sabotage::EpochsOfRun, &[Property::Ends]),
    (Sabotage::ForeseenPeers, &[Property::Ends]),
];

#[test]
fn faults_of_the_world_are_noticed() {
    let prints = std::env::var_os("AMPEG_SIMULATION_FAULTS").is_some();
    for &(sabotage, properties) in FAULTS {
        let hunt = Hunt {
            scope: Scope::ALL,
            properties,
            sabotage: Some(sabotage),
        };
        let start = std::time::Instant::now();
        let found = hunt.find(1, 20_000);
        let found = found.unwrap_or_else(|| panic!("{sabotage:?} is not noticed"));
        if prints {
            println!(
                "{sabotage:?}: {:?}\n{}",
                start.elapsed(),
                hunt.shrink(found)
            );
        }
    }
}
