package hunt

import (
	"strings"

	"tripline/detect"
)

// The bounds of a field's name. They are far beyond what any schema has.
const (
	maxFieldBytes = 1024
	maxFieldParts = 50
)

// fieldSet is the schema of events of any producer: it has every field, of a
// type that is known only when a value is read.
type fieldSet struct {
	names []string
	ids   map[string]detect.FieldID
	// doubts are the fields that say that an event's executable is not what it says,
	// once a field of that kind was asked for.
	doubts []detect.FieldID
}

// forgeable are the fields in which a process can have its events say what it likes:
// a condition that leaves an event out because of them is true only where the event
// does not say that this could not be proved when it happened.
func forgeable(name string) bool {
	switch name {
	case "process.executable", "process.name", "process.parent.executable", "process.parent.name":
		return true
	default:
		return false
	}
}

func newFieldSet() *fieldSet {
	return &fieldSet{ids: make(map[string]detect.FieldID)}
}

// Field implements detect.Schema. A name that is asked for the first time
// becomes a field.
func (f *fieldSet) Field(name string) (detect.Field, bool) {
	id, ok := f.ids[name]
	if !ok {
		if name == "" || len(name) > maxFieldBytes || strings.Count(name, ".") >= maxFieldParts {
			return detect.Field{}, false
		}
		id = detect.FieldID(len(f.names))
		f.ids[name] = id
		f.names = append(f.names, name)
		if forgeable(name) && f.doubts == nil {
			for _, flag := range []string{"tripline.masquerade", "tripline.executable.unproven"} {
				one, _ := f.Field(flag)
				f.doubts = append(f.doubts, one.ID)
			}
		}
	}
	return detect.Field{ID: id, Forgeable: forgeable(name)}, true
}

// FieldNames implements detect.Schema. There is nothing to suggest where every
// name is a field.
func (f *fieldSet) FieldNames() []string { return nil }

// noNode is where no field can be found any more.
const noNode = -1

// noField is the field of a node that only leads to fields.
const noField = detect.FieldID(-1)

// pathTree finds fields by the keys of nested objects. Its nodes are the
// prefixes of field names, and an edge may span several parts of a name, so
// that {"a":{"b":1}}, {"a.b":1} and every mixture lead to the same node.
type pathTree struct {
	nodes []pathNode
}

type pathNode struct {
	field detect.FieldID
	// byLength has the edges by the length of their key.
	byLength [][]pathEdge
	// byKey has all of them where they are too many to compare one by one.
	byKey map[string]int32
}

// manyEdges is from how many edges on a node has a map of them.
const manyEdges = 64

type pathEdge struct {
	key string
	to  int32
}

// newPathTree makes the tree of fields whose ids are their indexes.
func newPathTree(names []string) *pathTree {
	tree := &pathTree{nodes: []pathNode{{field: noField}}}
	edges := make(map[pathEdgeKey]struct{})
	known := make(map[string]int32)
	for id, name := range names {
		parts := strings.Split(name, ".")
		starts := []int32{0} // the node before each part
		offsets := []int{0}
		end := -1
		for _, part := range parts {
			end += 1 + len(part)
			prefix := name[:end]
			node, ok := known[prefix]
			if !ok {
				node = int32(len(tree.nodes))
				known[prefix] = node
				tree.nodes = append(tree.nodes, pathNode{field: noField})
			}
			for i, start := range starts {
				edge := pathEdgeKey{start, prefix[offsets[i]:]}
				if _, ok := edges[edge]; !ok {
					edges[edge] = struct{}{}
					tree.nodes[start].connect(edge.key, node)
				}
			}
			starts, offsets = append(starts, node), append(offsets, end+1)
		}
		tree.nodes[starts[len(starts)-1]].field = detect.FieldID(id)
	}
	for i := range tree.nodes {
		tree.nodes[i].arrange()
	}
	return tree
}

// pathEdgeKey tells the edges of a tree apart while it is made.
type pathEdgeKey struct {
	from int32
	key  string
}

// connect adds an edge that is not there yet.
func (n *pathNode) connect(key string, to int32) {
	for len(n.byLength) <= len(key) {
		n.byLength = append(n.byLength, nil)
	}
	n.byLength[len(key)] = append(n.byLength[len(key)], pathEdge{key, to})
}

// arrange prepares a node that has all its edges.
func (n *pathNode) arrange() {
	count := 0
	for _, edges := range n.byLength {
		count += len(edges)
	}
	if count < manyEdges {
		return
	}
	n.byKey = make(map[string]int32, count)
	for _, edges := range n.byLength {
		for _, edge := range edges {
			n.byKey[edge.key] = edge.to
		}
	}
}

// next follows a key from a node, to noNode where no field lies there.
func (t *pathTree) next(node int32, key []byte) int32 {
	if node < 0 {
		return noNode
	}
	byLength := t.nodes[node].byLength
	if len(key) >= len(byLength) || len(byLength[len(key)]) == 0 {
		return noNode
	}
	if byKey := t.nodes[node].byKey; byKey != nil {
		if to, ok := byKey[string(key)]; ok {
			return to
		}
		return noNode
	}
	edges := byLength[len(key)]
	for i := range edges {
		if edges[i].key == string(key) {
			return edges[i].to
		}
	}
	return noNode
}
