package hunt

import (
	"fmt"
	"testing"

	"tripline/detect"
)

// TestManyFields finds each field of a query that names very many of them,
// nested, dotted and mixed, and nothing else.
func TestManyFields(t *testing.T) {
	for _, count := range []int{1, manyEdges - 1, manyEdges, 50_000} {
		names := make([]string, 0, count)
		for i := range count {
			names = append(names, fmt.Sprintf("a.b%05d.c", i))
		}
		tree := newPathTree(names)
		for _, i := range []int{0, count / 2, count - 1} {
			middle := fmt.Sprintf("b%05d", i)
			for _, path := range [][]string{{"a", middle, "c"}, {"a." + middle + ".c"}, {"a." + middle, "c"}, {"a", middle + ".c"}} {
				node := int32(0)
				for _, key := range path {
					node = tree.next(node, []byte(key))
				}
				if node == noNode || tree.nodes[node].field != detect.FieldID(i) {
					t.Errorf("%d fields: %q leads to node %d, not to field %d", count, path, node, i)
				}
			}
		}
		for _, key := range []string{"", "b", "a.b99999.c", "a.b00000.d", "a.b00000.c.d"} {
			if node := tree.next(0, []byte(key)); node != noNode {
				t.Errorf("%d fields: %q leads to node %d", count, key, node)
			}
		}
	}
}
