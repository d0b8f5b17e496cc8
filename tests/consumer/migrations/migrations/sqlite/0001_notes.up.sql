-- A text that CMake and C++ might take for theirs: ${HOME} @HOME@ ; $<1:a> [ \n "
 CREATE TABLE notes (note TEXT) STRICT;
