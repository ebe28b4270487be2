package eql_test

import (
	"testing"

	"tripline/detect/eql"
)

func addQuerySeeds(f *testing.F) {
	for _, seed := range []string{
		`process where user.id == "0" and not process.executable : ("/bin/ssh", "*sh")`,
		"sequence by a, ?b with maxspan=1m [x where true] by c with runs=3 ![y where true] by d until [z where true] by e",
		`sample by a [x where 1 + 2 * -3 > length~(y)] [any where null == (x not in~ (1, "2"))] | head 5`,
		"a where `odd``name` == \"\"\"raw\"\"\"\"\" or x like~ \"\\u{1F600}\\n\" // end\n/* c /* d */ */",
	} {
		f.Add(seed)
	}
}

// FuzzParse checks that what parses survives being printed and parsed again,
// and that the checker takes it.
func FuzzParse(f *testing.F) {
	addQuerySeeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		query, err := eql.Parse(text)
		if err != nil {
			return
		}
		printed := eql.Print(query)
		again, err := eql.Parse(printed)
		if err != nil {
			t.Fatalf("Parse(Print(%q)) = Parse(%q): %v", text, printed, err)
		}
		if !equalTrees(query, again) {
			t.Fatalf("Print(%q) = %q parses to another tree: %q", text, printed, eql.Print(again))
		}
		_ = eql.Check(query, checkFields)
	})
}
