//! Binary decision diagrams: ordered, reduced, shared, with inverted edges (Bryant 1986; Brace, Rudell, Bryant 1990).

/// A node's number twice, and 1 if it is inverted; 0 and 1 are the constants.
pub type Edge = u32;

/// A node: the place of its variable, and what follows where that is 0, which is not inverted, and 1.
type Node = (u32, Edge, Edge);

/// The first size of the tables.
const SMALL: usize = 1 << 8;

/// Diagrams over variables by their places.
pub struct Diagrams {
    nodes: Vec<Node>,
    /// Numbers of nodes, at their hash or behind it; 0 is free.
    ids: Vec<u32>,
    /// Results, each in the place of its hash: kind, operands, result. What another result took the place of is found again.
    done: Vec<(u32, Edge, Edge, Edge)>,
    most: usize,
}

/// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4).
fn hash(a: u32, b: u32, c: u32) -> usize {
    let mixed = (u64::from(a) << 32 ^ u64::from(b)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ u64::from(c);
    (mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as usize
}

impl Diagrams {
    /// None yet; no more than `most` nodes.
    pub fn new(most: usize) -> Diagrams {
        Diagrams { nodes: vec![(u32::MAX, 0, 0)], ids: vec![0; SMALL], done: vec![(0, 0, 0, 0); SMALL], most }
    }

    /// A variable.
    pub fn variable(&mut self, place: u32) -> Option<Edge> {
        self.node(place, 0, 1)
    }

    fn node(&mut self, place: u32, low: Edge, high: Edge) -> Option<Edge> {
        if low == high {
            return Some(low);
        }
        let inverted = low & 1;
        let node = (place, low ^ inverted, high ^ inverted);
        let mut at = hash(node.0, node.1, node.2) & (self.ids.len() - 1);
        while self.ids[at] != 0 {
            if self.nodes[self.ids[at] as usize] == node {
                return Some(self.ids[at] << 1 | inverted);
            }
            at = (at + 1) & (self.ids.len() - 1);
        }
        let id = self.nodes.len() as u32;
        self.nodes.push(node);
        self.ids[at] = id;
        if self.nodes.len() * 2 > self.ids.len() {
            self.grow();
        }
        (self.nodes.len() < self.most).then_some(id << 1 | inverted)
    }

    fn grow(&mut self) {
        let size = self.ids.len() * 4;
        self.ids = vec![0; size];
        for (id, node) in self.nodes.iter().enumerate().skip(1) {
            let mut at = hash(node.0, node.1, node.2) & (size - 1);
            while self.ids[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.ids[at] = id as u32;
        }
        let old = std::mem::replace(&mut self.done, vec![(0, 0, 0, 0); size]);
        for known in old.into_iter().filter(|known| known.1 != 0) {
            self.done[hash(known.0, known.1, known.2) & (size - 1)] = known;
        }
    }

    /// Both.
    pub fn and(&mut self, a: Edge, b: Edge) -> Option<Edge> {
        let (a, b) = (a.min(b), a.max(b));
        match a {
            0 => Some(0),
            1 => Some(b),
            _ if a == b => Some(a),
            _ if a ^ 1 == b => Some(0),
            _ => self.combined(1, a, b),
        }
    }

    /// One of the two.
    pub fn xor(&mut self, a: Edge, b: Edge) -> Option<Edge> {
        let inverted = (a ^ b) & 1;
        let (a, b) = (a & !1, b & !1);
        let (a, b) = (a.min(b), a.max(b));
        match a {
            _ if a == b => Some(inverted),
            0 => Some(b ^ inverted),
            _ => self.combined(2, a, b).map(|edge| edge ^ inverted),
        }
    }

    /// The result of an operation (1 and, 2 xor) on two edges that are no constants, by the first variable of both.
    fn combined(&mut self, kind: u32, a: Edge, b: Edge) -> Option<Edge> {
        let known = self.done[hash(kind, a, b) & (self.done.len() - 1)];
        if (known.0, known.1, known.2) == (kind, a, b) {
            return Some(known.3);
        }
        let (p, q) = (self.nodes[(a >> 1) as usize], self.nodes[(b >> 1) as usize]);
        let place = p.0.min(q.0);
        let sides = |edge: Edge, node: Node| {
            if node.0 == place { (node.1 ^ (edge & 1), node.2 ^ (edge & 1)) } else { (edge, edge) }
        };
        let ((a0, a1), (b0, b1)) = (sides(a, p), sides(b, q));
        let (low, high) = match kind {
            1 => (self.and(a0, b0)?, self.and(a1, b1)?),
            _ => (self.xor(a0, b0)?, self.xor(a1, b1)?),
        };
        let result = self.node(place, low, high)?;
        let at = hash(kind, a, b) & (self.done.len() - 1);
        self.done[at] = (kind, a, b, result);
        Some(result)
    }
}
