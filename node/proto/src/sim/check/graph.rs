//! The graph of links: how many, in how many groups, and how far it is across.

use std::collections::VecDeque;

use super::{truth::Truth, view::View};
use crate::sim::report::Figures;

/// Writes down what the graph looks like now.
pub(super) fn figures(truth: &Truth, views: &[View], figures: &mut Figures) {
    let alive: Vec<usize> = (0..truth.len()).filter(|node| truth.life(*node).is_some()).collect();
    let degrees = alive.iter().map(|node| views[*node].neighbours.len() as u64);
    let neighbours = adjacency(truth);
    let components = components(truth);
    figures.alive = alive.len() as u64;
    figures.links = truth.links().len() as u64;
    figures.neighbours_least = degrees.clone().min().unwrap_or(0);
    figures.neighbours_most = degrees.max().unwrap_or(0);
    figures.groups = alive.iter().filter(|node| components[**node] == **node).count() as u64;
    figures.diameter = alive.iter().map(|node| farthest(&neighbours, *node)).max().unwrap_or(0);
}

/// For each node the least node it has a way of links to.
pub(super) fn components(truth: &Truth) -> Vec<usize> {
    let neighbours = adjacency(truth);
    let mut found: Vec<Option<usize>> = vec![None; neighbours.len()];
    for start in 0..neighbours.len() {
        let mut next = vec![start];
        while let Some(node) = next.pop() {
            if found[node].is_none() {
                found[node] = Some(start);
                next.extend(&neighbours[node]);
            }
        }
    }
    found.into_iter().enumerate().map(|(node, least)| least.unwrap_or(node)).collect()
}

fn adjacency(truth: &Truth) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); truth.len()];
    for (a, b) in truth.links().values() {
        neighbours[*a].push(*b);
        neighbours[*b].push(*a);
    }
    neighbours
}

/// How many links away the farthest node is that can be reached.
fn farthest(neighbours: &[Vec<usize>], from: usize) -> u64 {
    let mut away: Vec<Option<u64>> = vec![None; neighbours.len()];
    away[from] = Some(0);
    let mut next = VecDeque::from([from]);
    let mut most = 0;
    while let Some(node) = next.pop_front() {
        most = away[node].unwrap_or(most);
        for other in &neighbours[node] {
            if away[*other].is_none() {
                away[*other] = Some(most + 1);
                next.push_back(*other);
            }
        }
    }
    most
}
