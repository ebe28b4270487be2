package config

import "testing"

func TestSizeText(t *testing.T) {
	tests := []struct {
		text, want string
	}{
		{"16MiB", "16MiB"},
		{"1024KiB", "1MiB"},
		{"1 GiB", "1GiB"},
		{"65536", "64KiB"},
		{"7B", "7B"},
		{"0", "0B"},
		{"8589934591GiB", "8589934591GiB"},
		{"8589934592GiB", ""},
		{"9223372036854775808", ""},
		{"-1", ""},
		{"-1KiB", ""},
		{"1.5MiB", ""},
		{"16MB", ""},
		{"16mib", ""},
		{"MiB", ""},
		{"", ""},
		{"16 MiBMiB", ""},
	}
	for _, test := range tests {
		var size Size
		err := size.UnmarshalText([]byte(test.text))
		switch {
		case test.want == "" && err == nil:
			t.Errorf("%q is accepted as %s", test.text, size)
		case test.want != "" && (err != nil || size.String() != test.want):
			t.Errorf("%q is %s, %v, not %s", test.text, size, err, test.want)
		}
	}
}

func TestSizeRoundTrip(t *testing.T) {
	for _, size := range []Size{0, 1, 1023, KiB, 3*MiB + 1, 1536 * KiB, GiB} {
		text, err := size.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again Size
		if err := again.UnmarshalText(text); err != nil || again != size {
			t.Errorf("%d is written %q and read %d, %v", size, text, again, err)
		}
	}
}
