package main

import "testing"

func TestInstructions(t *testing.T) {
	for line, want := range map[string]bool{
		"\tMOVQ AX, BX":                     true,
		"\tVPXOR   X4, X4, X4 // zero":      true,
		"\tADDQ    BLOCKS(DI), DX    \\":    true,
		"\tNUMBERS":                         true, // a macro, as a whole
		"\tNOTE(R10)":                       false,
		"\tRET":                             false,
		"\tJMP  crossAVX<>(SB)":             false,
		"\tPREFETCHT0 (AX)":                 false,
		"under:":                            false,
		"// \tMOVQ AX, BX":                  false,
		"TEXT ·stepAVX(SB), NOSPLIT, $0-40": false,
		"\t\\ // The command: 23 words.":    false,
		"":                                  false,
	} {
		if instruction(line) != want {
			t.Errorf("%q is an instruction: %v", line, !want)
		}
	}
}

func TestWithout(t *testing.T) {
	const text = "#define M \\\n\tINCQ AX \\ // counted\n\tDECQ BX\n\tRET"
	if got := without(text, 1); got != "#define M \\\n\\\n\tDECQ BX\n\tRET" {
		t.Errorf("within a macro: %q", got)
	}
	if got := without(text, 2); got != "#define M \\\n\tINCQ AX \\ // counted\n\n\tRET" {
		t.Errorf("at its end: %q", got)
	}
}
