package simulate

const seedsInTest = 300
