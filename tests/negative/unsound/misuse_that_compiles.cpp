// expect: error
#ifdef NODEZERO_MISUSE
int misuse();
#endif
