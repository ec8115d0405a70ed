// Modules have names: by numbers they would be called after the folder in which one builds.
module.exports = { optimization: { moduleIds: 'named', chunkIds: 'named' } };
