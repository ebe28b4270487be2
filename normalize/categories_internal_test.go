package normalize

import (
	"slices"
	"testing"
)

// TestCategoriesAreComplete has every type of record named by one of categories.
func TestCategoriesAreComplete(t *testing.T) {
	seen := map[string]bool{"file": true} // of system calls alone
	for typ := RecordType(0); typ < 3000; typ++ {
		category, _ := categorize(typ)
		if category == "" {
			continue
		}
		seen[category] = true
		if !slices.Contains(categories(), category) {
			t.Errorf("record type %d has the category %q, which categories lacks", typ, category)
		}
	}
	for _, category := range categories() {
		if !seen[category] {
			t.Errorf("no event has the category %q", category)
		}
	}
}
