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
	}
	return detect.Field{ID: id}, true
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
}

type pathEdge struct {
	key string
	to  int32
}

// newPathTree makes the tree of fields whose ids are their indexes.
func newPathTree(names []string) *pathTree {
	tree := &pathTree{nodes: []pathNode{{field: noField}}}
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
				tree.nodes[start].connect(prefix[offsets[i]:], node)
			}
			starts, offsets = append(starts, node), append(offsets, end+1)
		}
		tree.nodes[starts[len(starts)-1]].field = detect.FieldID(id)
	}
	return tree
}

// connect adds an edge, once.
func (n *pathNode) connect(key string, to int32) {
	for len(n.byLength) <= len(key) {
		n.byLength = append(n.byLength, nil)
	}
	for _, edge := range n.byLength[len(key)] {
		if edge.key == key {
			return
		}
	}
	n.byLength[len(key)] = append(n.byLength[len(key)], pathEdge{key, to})
}

// next follows a key from a node, to noNode where no field lies there.
func (t *pathTree) next(node int32, key []byte) int32 {
	if node < 0 {
		return noNode
	}
	byLength := t.nodes[node].byLength
	if len(key) >= len(byLength) {
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
