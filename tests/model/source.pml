/* What the models share: a source that an editor changes, and how a property is checked.
   The source's moments are counted: `edits`. Which state it is in follows from that: with STATES 2 it comes back to what it was,
   with STATES > EDITS it never does. A value is known by the moment of which it was rendered. */
#ifndef EDITS
#define EDITS 2
#endif
#ifndef STATES
#define STATES 2
#endif

/* -DWITHOUT=PROTECTION takes one protection out; each model names its own. */
#ifndef WITHOUT
#define WITHOUT 0
#endif

byte edits;

/* The fingerprint of the source at that moment. */
#define state_of(moment) ((moment) % STATES)

/* Whether the source has been in the state of `moment` at some moment since `call`. */
#define was_current(moment, call) ((call) + ((moment) + 8 * STATES - (call)) % STATES <= edits)

/* The verifier names what was violated. */
inline check(violated, holds) {
  violated = !(holds);
  assert(!violated)
}
bool wrong_read;             /* a read returned a value of a state that was not the source's between call and return */
bool rendered_twice;         /* two renders of one state at once */
bool rendered_though_stored; /* a render of what was stored */
bool rendered_again;         /* more than one render, although nothing was edited, erased or lost */
bool replaced_newer;         /* a stored entry gave way to one of an earlier moment */
bool read_erased;            /* a read that began after an erase got what was there before it */
