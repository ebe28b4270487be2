package health

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"

	schema "tripline/internal/ecs"
	"tripline/normalize"
)

// kinds reads the kinds from where they are declared.
func kinds(t *testing.T) (all []Kind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "kind.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if one, ok := node.(*ast.ValueSpec); ok {
			if typ, ok := one.Type.(*ast.Ident); ok && typ.Name == "Kind" {
				text, err := strconv.Unquote(one.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, Kind(text))
			}
		}
		return true
	})
	if len(all) < 20 {
		t.Fatalf("only the kinds %v are found", all)
	}
	return all
}

// TestDocumentsAreECS holds the document of every kind, raised and cleared, with
// everything and with as little as possible, against the schema.
func TestDocumentsAreECS(t *testing.T) {
	at := time.Unix(1e9, 0)
	host := &normalize.HostFacts{
		ID: "1", BootID: "2", Hostname: "h", Architecture: "x86_64", AgentID: "3",
		OS: normalize.OSFacts{Type: "linux", Family: "debian", Platform: "debian", Name: "Debian", Version: "12", Full: "Debian 12", Kernel: "6.1"},
	}
	for _, kind := range kinds(t) {
		for _, message := range []Message{
			{Condition: Condition{Kind: kind, What: "x", Since: at}, ID: string(kind), Time: at},
			{
				Condition: Condition{
					Kind: kind, What: "\"\n\xff", Subject: "a b", Since: at, Detail: map[string]any{"count": 3, "lines": []string{"x"}},
					Who: &Who{PID: 1, Executable: "/bin/x", Process: "x", AuditID: "0", Name: "root", Session: "2"},
				},
				ID: string(kind) + " a b", Time: at, Suppressed: 2,
			},
		} {
			for _, message.Cleared = range []bool{false, true} {
				for _, of := range []*normalize.HostFacts{nil, host} {
					text, err := message.Document(of)
					if err != nil {
						t.Fatal(err)
					}
					for _, err := range schema.Check(text, "tripline") {
						t.Errorf("%s, cleared %v: %v", kind, message.Cleared, err)
					}
				}
			}
		}
	}
}
