package normalize

import "testing"

func TestPartsOfPaths(t *testing.T) {
	tests := []struct{ path, name, extension, directory string }{
		{"/usr/lib/libc.so.6", "libc.so.6", "6", "/usr/lib"},
		{"/etc/passwd", "passwd", "", "/etc"},
		{"/vmlinuz", "vmlinuz", "", "/"},
		{"/home/u/.profile", ".profile", "", "/home/u"},
		{"/home/u/.vim.swp", ".vim.swp", "swp", "/home/u"},
		{"/tmp/ends.", "ends.", "", "/tmp"},
		{"relative.txt", "relative.txt", "txt", ""},
		{"/a.d/b", "b", "", "/a.d"},
		{"/dir/", "", "", "/dir"},
		{"/", "", "", "/"},
		{"", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			if got := [3]string{baseName(test.path), extension(test.path), directory(test.path)}; got != [3]string{test.name, test.extension, test.directory} {
				t.Errorf("parts are %q, want %q", got, [3]string{test.name, test.extension, test.directory})
			}
		})
	}
}
